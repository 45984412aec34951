"""python -m console"""

import sys

from console.cli import main

# Eight threads wait for answers: none should wait for another's 5 ms slice, too.
sys.setswitchinterval(0.0005)
sys.exit(main())
