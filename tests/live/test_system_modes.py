"""The modes that take traffic from the system: transparent, WireGuard, local, TUN; each in namespaces of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.lab.namespace import become_root
from tests.live import enclosed

NEEDED = {
    "transparent": ("nft", "setpriv"),
    "wireguard": ("wireguard-go", "wg", "nsenter"),
    "local": ("sudo",),
    "tun": (),
}
SYSTEM = "/usr/sbin:/sbin"
"""where a user's own path may not lead"""


@pytest.mark.parametrize("mode", NEEDED)
def test_traffic_that_the_system_hands_over_is_recorded_with_its_own_address(mode: str, tmp_path: Path) -> None:
    for name in ("unshare", "ip", "curl", *NEEDED[mode]):
        if shutil.which(name) is None and shutil.which(name, path=SYSTEM) is None:
            pytest.skip(f"{name} is not installed")
    if (prefix := become_root()) is None:
        pytest.skip("namespaces need root")
    try:
        found = enclosed.run(mode, tmp_path, prefix)
    except RuntimeError as error:
        if "unshare" in str(error) and "not permitted" in str(error):
            pytest.skip("this machine allows no namespaces")
        raise
    if any("redirector" in text for text in found["said"]):
        pytest.skip(f"local mode does not work on this kernel: {found['said']}")
    assert found["curl"] == "403"
    (exchange,) = found["exchanges"]
    assert exchange["url"].startswith(f"https://{enclosed.NAME}:")
    assert exchange["url"].endswith(f"/deny/{mode}")
    assert exchange["mode"] == enclosed.MODES[mode].partition("@")[0]
    assert (exchange["status"], exchange["sni"]) == (403, enclosed.NAME)
    assert exchange["server"].startswith(f"{enclosed.FAR}:")
    assert exchange["hop"] == exchange["server"]
