"""`python -m tracer.cli`"""

import sys

from . import main

sys.exit(main())
