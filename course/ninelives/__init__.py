"""Nine Lives: build a Transformer in nine notebooks."""

import os

if "JPY_SESSION_NAME" in os.environ:
    # JupyterLab has opened this notebook, so it is not being graded. nbgrader's Validate leaves its variable in the
    # environment of JupyterLab's server, and so in every kernel from then on, if an answer has killed its kernel.
    os.environ.pop("NBGRADER_EXECUTION", None)
