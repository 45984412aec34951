"""python -m console"""

import gc
import sys

gc.disable()  # what is imported lives to the end: no collector need look at it
from console.cli import main  # noqa: E402  # see above

gc.freeze()
gc.enable()
# Eight threads wait for answers: none should wait for another's 5 ms slice, too.
sys.setswitchinterval(0.0005)
sys.exit(main())
