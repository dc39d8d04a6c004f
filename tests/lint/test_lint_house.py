"""Each rule of tools/lint_house.py is seen to find what it is for, in a small house made here."""
import importlib.util
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
spec = importlib.util.spec_from_file_location("lint_house", ROOT / "tools/lint_house.py")
lint = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lint)


HEADER = """
// What a person sees of it.
RML_API int rml_log_one(void);
RML_API int rml_log_two(
    void);

typedef struct rml_log rml_log;
RML_API void rml_log_close(rml_log *log);

typedef struct rml_log_info {
    int count; // of messages
} rml_log_info;
"""
SOURCE = """
#define RML_TRY(call) \\
    do {              \\
        if (call)     \\
            return 1; \\
    } while (0)
#define MAKE(name)                  \\
    static int name##_of(int x)     \\
    {                               \\
        return x;                   \\
    }
#define TWICE(x) (2 * (x))
done:
"""


@pytest.fixture
def house(tmp_path):
    files = {
        "CMakeLists.txt": "project(house VERSION 0.3.1 LANGUAGES C)\n",
        "src/LAYERS": "base:\nos: base\nlog: base os\n",
        "include/roadmill/base.h": "",
        "include/roadmill/os.h": '#include "roadmill/base.h"\n',
        "include/roadmill/log.h": '#include "roadmill/base.h"\n' + HEADER,
        "include/roadmill/roadmill.h": '#include "roadmill/base.h"\n#include "roadmill/os.h"\n#include "roadmill/log.h"\n',
        "src/log/log.c": '#include "roadmill/log.h"\n#include "roadmill/os.h"\n' + SOURCE,
        "src/os/os.c": '#include "roadmill/os.h"\n',
        "docs/log.md": "It stands in `src/log/log.c`; a new one is src/log/FORMAT.c; build/log.c is made.\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for words in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", "-C", tmp_path, *words], check=True)
    return tmp_path


def all_of(house):
    return [*lint.grants(house), *lint.all_in_one(house), *lint.citations(house), *lint.declarations(house), *lint.control_flow(house)]


def change(path, old, new):
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_a_clean_house(house):
    assert all_of(house) == []


@pytest.mark.parametrize("file, old, new, told", [
    ("src/log/log.c", '#include "roadmill/os.h"\n', "", "src/LAYERS: log is granted os"),
    ("include/roadmill/roadmill.h", '#include "roadmill/log.h"\n', "", "expected an #include of roadmill/log.h"),
    ("docs/log.md", "src/log/log.c", "src/log/lag.c", "docs/log.md:1: cites src/log/lag.c"),
    ("include/roadmill/log.h", "// What a person sees of it.\nRML_API int rml_log_one(void);\n", "", "log.h:3: expected a comment"),
    ("include/roadmill/log.h", "int count; // of messages", "int count;", "log.h:11: expected a comment"),
    ("include/roadmill/log.h", "RML_API void rml_log_close", "RML_API int rml_log_count", "log.h:9: expected a comment"),
    ("src/log/log.c", "RML_TRY", "RML_TEST", "log.c:4: RML_TEST hides control flow"),
    ("src/log/log.c", "#define TWICE(x) (2 * (x))", "#define LEAVE return 2", "log.c:14: LEAVE hides control flow"),
    ("src/log/log.c", "done:", "goto fail;", "log.c:15: goto fail;"),
])
def test_a_planted_fault_is_found(house, file, old, new, told):
    change(house / file, old, new)
    found = all_of(house)
    assert len(found) == 1 and told in found[0]


def commit(house, subject):
    subprocess.run(["git", "-C", house, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty",
                    "-m", subject], check=True)


def test_long_subjects(house, monkeypatch):
    commit(house, "before " * 20)
    first = subprocess.run(["git", "-C", house, "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
    monkeypatch.setattr(lint, "FIRST", first)
    commit(house, "log: " + "x" * 67)
    assert list(lint.subjects(house)) == []
    commit(house, "log: " + "x" * 68)
    assert len(list(lint.subjects(house))) == 1
    monkeypatch.setattr(lint, "FIRST", "0" * 40)
    assert list(lint.subjects(house)) == []  # an archive knows no commits


def test_layouts_within_a_minor_version(house):
    change(house / "include/roadmill/os.h", "#include", "typedef enum rml_kind { RML_A, RML_B } rml_kind; // of it\n#include")
    assert list(lint.promises(house)) == []  # nothing is released
    subprocess.run(["git", "-C", house, "add", "-A"], check=True)
    commit(house, "release")
    subprocess.run(["git", "-C", house, "tag", "v0.3.0"], check=True)
    change(house / "include/roadmill/log.h", "int count; // of messages", "int count;  // of all messages")
    assert list(lint.promises(house)) == []  # the same bytes
    change(house / "include/roadmill/log.h", "int count;", "int more; int count;")
    change(house / "include/roadmill/os.h", "RML_A, RML_B", "RML_B, RML_A")
    assert [told.split(" is not")[0] for told in lint.promises(house)] == [
        "include/roadmill/log.h: rml_log_info", "include/roadmill/os.h: rml_kind"]
    change(house / "CMakeLists.txt", "0.3.1", "0.4.0")
    assert list(lint.promises(house)) == []


def test_names_of_the_library(tmp_path):
    source = tmp_path / "a.c"
    source.write_text("int rml_one(void); int rml_one(void) { return 1; } int two(void); int two(void) { return 2; }\n"
                      "static int three(void) { return 3; } int rml_four(void); int rml_four(void) { return three(); }\n")
    subprocess.run(["cc", "-c", source, "-o", tmp_path / "a.o"], check=True)
    found = list(lint.names(tmp_path / "a.o"))
    assert len(found) == 1 and ": two: " in found[0]
