"""What every test shares: a machine that has everything must skip nothing."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# how long an example takes is the machine's business, not the code's
settings.register_profile("tracer", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tracer")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if os.environ.get("TRACER_NO_SKIPS") and terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("TRACER_NO_SKIPS is set: a skipped test is a failure here.", red=True)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = bool(reporter and reporter.stats.get("skipped"))
    if os.environ.get("TRACER_NO_SKIPS") and skipped and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
