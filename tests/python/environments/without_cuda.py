"""Empty stand-ins for the CUDA libraries that torch's Linux wheel is linked with, so that it starts without them.

Usage: without_cuda.py, by the interpreter of the environment. Needs a C compiler and readelf. For tests alone: every
function of a stand-in answers 100, which is CUDA's "no device".
"""

import re
import subprocess
import sysconfig
from pathlib import Path

SITE = Path(sysconfig.get_paths()["purelib"])
TORCH = SITE / "torch/lib"
# Where torch's libraries look for CUDA's beside themselves.
HERE = SITE / "nvidia/cu13/lib"
NAMES = r"lib(?:cu|nv|nccl)[^\]\s]*"
# These libraries' symbols carry no version that would say whose they are.
PREFIXES = {"libnccl": "nccl", "libcufile": "cuFile", "libcusparseLt": "cusparseLt", "libnvshmem_host": "nvshmem"}


def readelf(option, library):
    return subprocess.run(["readelf", "-W", option, library], capture_output=True, text=True, check=True).stdout


class Wanted:
    """What torch's libraries need that torch doesn't bring."""

    def __init__(self):
        self.libraries = {"libnvJitLink.so.13"}
        self.versions = {}
        self.symbols = {}
        for library in TORCH.glob("*.so"):
            self.read(library)
        self.libraries = sorted(name for name in self.libraries if not (TORCH / name).exists())

    def read(self, library):
        needed = re.findall(rf"\(NEEDED\).*\[({NAMES})\]", readelf("-d", library))
        self.libraries.update(needed)
        versions = re.findall(r"File: (\S+)\s+Cnt: \d+\s*\n\s+\S+:\s+Name: (\S+)", readelf("-V", library))
        self.versions.update((file, version) for file, version in versions if re.match(NAMES, file))
        for line in readelf("--dyn-syms", library).splitlines():
            columns = line.split()
            if len(columns) >= 8 and columns[6] == "UND" and columns[4] != "WEAK":
                name, _, version = columns[7].partition("@")
                self.symbols.setdefault(version.strip("@"), {})[name] = columns[3]

    def of(self, library):
        """The version of a library's symbols where they have one, and its symbols with their kinds."""
        version = self.versions.get(library)
        symbols = dict(self.symbols.get(version, {}))
        for name, prefix in PREFIXES.items():
            if library.startswith(f"{name}.so"):
                unversioned = self.symbols.get("", {})
                symbols.update((key, kind) for key, kind in unversioned.items() if key.startswith(prefix))
        return version, dict(sorted(symbols.items()))


def source(symbols):
    for name, kind in symbols.items():
        if kind == "OBJECT":
            yield f"char {name}[4096];"
        elif re.search(r"(Get(Error|Status)(String|Name)|ncclGetLastError)$", name):
            yield f'const char *{name}(void) {{ return "no CUDA here"; }}'
        else:
            yield f"int {name}(void) {{ return 100; }}"


def write(library, version, symbols):
    command = ["cc", "-shared", "-nostdlib", "-fno-builtin", "-w", f"-Wl,-soname,{library}", "-o", HERE / library]
    script = HERE / "versions.map"
    if version:
        script.write_text(f"{version} {{ global: *; }};\n")
        command.append(f"-Wl,--version-script={script}")
    code = "\n".join(source(symbols)) + "\n"
    subprocess.run([*command, "-x", "c", "-"], input=code, text=True, check=True)
    script.unlink(missing_ok=True)


def main():
    HERE.mkdir(parents=True, exist_ok=True)
    wanted = Wanted()
    for library in wanted.libraries:
        write(library, *wanted.of(library))


if __name__ == "__main__":
    main()
