"""JupyterLab, started with the arguments of `jupyter lab`, whose kernels are forked ones."""

import sys
from multiprocessing.forkserver import ensure_running
from pathlib import Path

if __name__ == "__main__":  # a forked kernel imports this file, too
    sys.path[:1] = [str(Path(__file__).parents[1])]  # tests/ instead of this folder
    from helpers.forked_kernels import use_forked_kernels

    use_forked_kernels()
    ensure_running()  # it imports what kernels need while JupyterLab starts
    from jupyterlab.labapp import main

    sys.exit(main())
