"""python -m console"""

import gc
import os
import sys

gc.disable()  # what is imported lives to the end: no collector need look at it
from console.cli import main  # noqa: E402  # see above

gc.freeze()
gc.enable()
# Eight threads wait for answers: none should wait for another's 5 ms slice, too.
sys.setswitchinterval(0.0005)
# Python has no stream at all where the shell closed one, as "steward sweep >&-" does.
sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: PTH123, SIM115  # to the process's end
sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: PTH123, SIM115  # likewise
sys.exit(main())
