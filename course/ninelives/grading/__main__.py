"""`python -m ninelives.grading`, and ninelives-grade.

Worker processes import the module that was started, so this one imports nothing at its top.
"""

import signal
import sys


def main() -> int:
    if sys.platform != "linux":
        print(f"ninelives-grade needs Linux, whose kernel confines learners' code, and this is {sys.platform}. "
              "nbgrader autograde works here, but runs learners' code with all your permissions.", file=sys.stderr)
        return 2
    try:
        try:
            signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C, so that workers are closed
            from ninelives.grading.worker_process import import_less

            import_less()
            from ninelives.grading.arguments import arguments
            from ninelives.grading.early_server import early_server

            server = early_server(arguments())
            try:
                from ninelives.grading import cli  # and with it nbgrader

                return cli.main(server=server)
            finally:
                if server is not None:
                    server.close()
        finally:
            for end in (signal.SIGINT, signal.SIGTERM):
                signal.signal(end, signal.SIG_IGN)  # nothing is left that could be interrupted
    except KeyboardInterrupt:
        print("\nInterrupted before anything was graded.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
