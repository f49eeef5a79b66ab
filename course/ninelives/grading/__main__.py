"""`python -m ninelives.grading`, and ninelives-grade.

Worker processes look at the module that was started: this one has nothing for them to import.
"""

import sys

from ninelives.grading.process import import_less


def main() -> int:
    import_less()
    from ninelives.grading import command

    return command.main()


if __name__ == "__main__":
    sys.exit(main())
