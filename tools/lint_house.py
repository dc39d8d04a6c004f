"""What of the house a machine can check beside the build: lint_house.py [--library FILE]

- a grant of src/LAYERS that no header of the room needs, and a room that has no line or header
- a name of the library that others could meet and that does not begin with rml_
- the subject of a commit since FIRST: at most 72 characters
- a document or a comment that cites a file of ours which is not there
- roadmill.h: it includes every public header
- a declaration of a public header without a comment: above it or its group (lines without a blank one
  between), or at a line's end; close, free and reset, and handles whose insides are hidden, say it by name
- a struct or enum of a public header that is not as in the first release of its minor version (tag vX.Y.0):
  what was built with that release would read other bytes (docs/library.md)
- a macro that hides control flow, beside RML_TRY; a goto to another label than done

Prints one fault a line; the exit code is 1 if there is one.
"""
import argparse
import pathlib
import re
import subprocess
import sys

FIRST = "0e67bf3"  # subjects before it are longer
SUBJECT_MAX = 72
CITED = re.compile(r"(?<![\w/.-])((?:src|include|tools|tests|docs|fuzz|examples|cmake)/[\w./-]*\w\.(?:cmake|c|h|md|py|sh|txt|yaml))(?![\w.]\w)(?!\w)")
PLACEHOLDER = re.compile(r"[A-Z]{3,}")  # src/log/FORMAT.c stands for a file to be made


def layers(root):
    rooms = {}
    for line in (root / "src/LAYERS").read_text().splitlines():
        found = re.match(r"([a-z]+):(.*)$", line)
        if found:
            rooms[found.group(1)] = found.group(2).split()
    return rooms


def includes(path):
    return re.findall(r'#include "(roadmill/[\w/]+\.h)"', path.read_text(encoding="utf-8", errors="replace"))


def public_headers(root):
    folder = root / "include"
    return {str(path.relative_to(folder)): path for path in sorted((folder / "roadmill").rglob("*.h"))}


def room_of(header):
    return header.split("/")[1].removesuffix(".h")


def grants(root):
    """A room needs the rooms of the headers that its files include, and of those that these include."""
    public = public_headers(root)
    for room, uses in layers(root).items():
        files = [*(root / "src" / room).rglob("*.[ch]"), *(path for name, path in public.items() if room_of(name) == room)]
        todo = [header for path in files for header in includes(path)]
        seen = set()
        while todo:
            header = todo.pop()
            if header in public and header not in seen:
                seen.add(header)
                todo += includes(public[header])
        for used in sorted(set(uses) - {room_of(header) for header in seen}):
            yield f"src/LAYERS: {room} is granted {used}, whose headers none of its files needs"


def all_in_one(root):
    one = "roadmill/roadmill.h"
    public = public_headers(root)
    for missing in sorted(set(public) - set(includes(public[one])) - {one}):
        yield f"include/{one}: expected an #include of {missing}"


SAYS_ITSELF = re.compile(r"RML_API void \w+_(?:close|free|reset)\(|typedef struct (?:\w+) (?:\w+);")


def declarations(root):
    for path in public_headers(root).values():
        lines = path.read_text(encoding="utf-8").splitlines()
        for start, line in enumerate(lines):
            if not re.match(r"(RML_API|typedef)\b", line) or SAYS_ITSELF.match(line):
                continue
            end, depth = start, 0
            while end < len(lines):
                depth += lines[end].count("{") - lines[end].count("}")
                if depth == 0 and ";" in lines[end]:
                    break
                end += 1
            above = start
            while above > 0 and lines[above - 1].strip():
                above -= 1
            said = any(x.startswith("//") for x in lines[above:start]) or any("//" in x for x in lines[start:end + 1])
            if not said:
                yield f"{path.relative_to(root)}:{start + 1}: expected a comment above or beside the declaration: what it gives"


def macros(text):
    """(line, name, body) of each macro, its lines joined."""
    for found in re.finditer(r"^[ \t]*#[ \t]*define[ \t]+(\w+)(?:\([^)\n]*\))?((?:[^\n]*\\\n)*[^\n]*)", text, re.M):
        yield text.count("\n", 0, found.start()) + 1, found.group(1), found.group(2).replace("\\\n", " ")


def leaves(body):
    """Whether a macro leaves the block that uses it: a jump that stands in no function which it defines itself."""
    depth, head, inside = 0, "", False
    for token in re.findall(r'"(?:[^"\\]|\\.)*"|\w+|\S|\s+', body):
        if token == "{":
            if depth == 0:
                inside = re.search(r"[\w*]\s+\**[\w#]+\s*\(.*\)\s*$", head) is not None
            depth += 1
        elif token == "}":
            depth -= 1
            head, inside = ("", False) if depth == 0 else (head, inside)
        elif depth == 0:
            head = "" if token == ";" else head + token
        if token in ("return", "goto") and not inside:
            return True
    return False


def control_flow(root):
    for path in sorted([*(root / "src").rglob("*.[ch]"), *(root / "include").rglob("*.h")]):
        text = path.read_text(encoding="utf-8", errors="replace")
        for number, name, body in macros(text):
            if name != "RML_TRY" and leaves(body):
                yield f"{path.relative_to(root)}:{number}: {name} hides control flow; RML_TRY alone may"
        for found in re.finditer(r"\bgoto (?!done;)\w+;", text):
            yield f"{path.relative_to(root)}:{text.count(chr(10), 0, found.start()) + 1}: {found.group(0)} expected one exit, done"


def names(library):
    listed = subprocess.run(["nm", "-g", "--defined-only", library], check=True, capture_output=True, text=True).stdout
    for line in sorted(set(listed.splitlines())):
        parts = line.split()
        if len(parts) == 3 and not parts[2].startswith("rml_"):
            yield f"{library}: {parts[2]}: expected a name that begins with rml_, or a static one"


def git(root, *words):
    return subprocess.run(["git", "-C", root, *words], capture_output=True, text=True)


def subjects(root):
    if git(root, "cat-file", "-e", FIRST).returncode != 0:
        return  # an archive, or a shallow clone
    for line in git(root, "log", "--no-merges", "--format=%h %s", f"{FIRST}..HEAD").stdout.splitlines():
        commit, subject = line.split(" ", 1)
        if len(subject) > SUBJECT_MAX:
            yield f"commit {commit}: expected a subject of at most {SUBJECT_MAX} characters, found {len(subject)}"


def layouts(text):
    """The body of each plain struct and enum of a header, without comments and white space, by name."""
    text = re.sub(r"//[^\n]*", "", text)
    found = re.findall(r"^typedef (?:struct|enum)\b[^;{\n]*(\{\n.*?^\}|\{[^\n]*\}) (\w+);", text, re.M | re.S)
    return {name: "".join(body.split()).replace(",}", "}") for body, name in found}


def promises(root):
    version = re.search(r"project\(\w+ VERSION (\d+\.\d+)", (root / "CMakeLists.txt").read_text()).group(1)
    first = f"v{version}.0"
    now = {}
    for path in public_headers(root).values():
        now.update(layouts(path.read_text(encoding="utf-8")))
    # Nothing is promised before that tag.
    for header in git(root, "ls-tree", "-r", "--name-only", f"refs/tags/{first}", "include/roadmill").stdout.split():
        for name, body in layouts(git(root, "show", f"{first}:{header}").stdout).items():
            if now.get(name) != body:
                yield f"{header}: {name} is not as in {first}: programs built with that read other bytes; raise the minor version in CMakeLists.txt"


def citations(root):
    kinds = ("*.md", "*.c", "*.h", "*.py", "*.sh", "*.cmake", "run")
    for path in sorted(root / name for name in git(root, "ls-files", *kinds).stdout.splitlines()):
        if not path.is_file() or "lint" in path.parts:
            continue  # the tests of this plant such faults
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            for found in CITED.finditer(line):
                cited = found.group(1)
                if PLACEHOLDER.search(cited.removesuffix("ARCHITECTURE.md")) or (root / cited).exists():
                    continue
                yield f"{path.relative_to(root)}:{number}: cites {cited}, which is not there"


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    options.add_argument("--library", help="libroadmill.a, whose names are checked")
    given = options.parse_args()
    faults = [*grants(given.root), *all_in_one(given.root), *subjects(given.root), *citations(given.root),
              *declarations(given.root), *control_flow(given.root), *promises(given.root)]
    faults += names(given.library) if given.library else []
    print(*faults, sep="\n", end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
