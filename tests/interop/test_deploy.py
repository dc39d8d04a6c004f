"""Models that left: ONNX Runtime on 1,000 samples, and the C file under gcc and clang, against the engine."""
import json
import pathlib
import platform
import re
import shutil
import subprocess

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

SAMPLES = 1000
MODELS = ["every_op", "predictor", "predictor_int8", "predictor_posed"]
# A byte that falls to the other side of its edge moves a sum by up to a weight, 127, times a scale of 1e-5, and sums
# of later layers after it; most samples have none.
FEW_STEPS = 1e-2
FLAGS = "-std=c99 -pedantic -Wall -Wextra -Wconversion -Werror".split()


@pytest.fixture(scope="module")
def exports(program, tmp_path_factory):
    tool = pathlib.Path(program).parent / "tests/deploy_export"
    assert tool.exists(), f"{tool}: expected the test program; ./run test builds it"
    folder = tmp_path_factory.mktemp("exports")
    subprocess.run([tool, "write", folder, str(SAMPLES)], check=True)
    return folder


@pytest.mark.parametrize("name", MODELS)
def test_onnx_runtime_gives_the_engines_numbers(exports, name):
    model = onnx.load(exports / f"{name}.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version == 8 and [(o.domain, o.version) for o in model.opset_import] == [("", 17)]
    session = onnxruntime.InferenceSession(exports / f"{name}.onnx", providers=["CPUExecutionProvider"])
    inputs = [(i.name, i.shape) for i in session.get_inputs()]
    outputs = [o.shape for o in session.get_outputs()]
    sizes = [int(np.prod(shape)) for _, shape in inputs] + [int(np.prod(shape)) for shape in outputs]
    samples = np.fromfile(exports / f"{name}.samples", "<f4").reshape(SAMPLES, sum(sizes))
    worst = []
    for sample in samples:
        apart = 0
        parts = np.split(sample, np.cumsum(sizes)[:-1])
        feed = {n: part.reshape(shape) for (n, shape), part in zip(inputs, parts)}
        for got, want in zip(session.run(None, feed), parts[len(inputs):]):
            scale = 1 + np.abs(want)
            apart = max(apart, float(np.max(np.abs(got.ravel() - want) / scale)))
        worst.append(apart)
    print(name, "worst", max(worst), "median", np.median(worst))
    assert max(worst) <= (FEW_STEPS if "int8" in name else 1e-4)
    assert np.quantile(worst, 0.9) <= 1e-6


def test_int8_leaves_as_q_dq(exports):
    """Every linear layer reads bytes and weights in int8 with a scale for each column."""
    nodes = onnx.load(exports / "predictor_int8.onnx").graph
    weights = {i.name: i for i in nodes.initializer}
    back = {n.output[0]: n for n in nodes.node if n.op_type == "DequantizeLinear"}
    layers = [n for n in nodes.node if n.op_type == "MatMul" and n.input[1] in back]
    assert len(layers) == 16 and all(n.input[0] in back for n in layers)
    for n in layers:
        w = weights[back[n.input[1]].input[0]]
        scale = weights[back[n.input[1]].input[1]]
        assert w.data_type == onnx.TensorProto.INT8 and list(scale.dims) == [w.dims[1]]
    # Query, key and value share the bytes of what they read, where all tokens are read.
    assert sum(n.op_type == "QuantizeLinear" for n in nodes.node) < len(layers)
    floats = [i.name for i in nodes.initializer if i.data_type == onnx.TensorProto.FLOAT]
    assert not [n for n in floats if n.endswith((".weight", ".scale")) and "norm" not in n]


def has_fma():
    """This processor, for programs compiled for x86-64-v3; others have it from the start or not at all."""
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    return platform.machine() == "x86_64" and cpuinfo.exists() and " fma " in cpuinfo.read_text() and " avx2 " in cpuinfo.read_text()


@pytest.mark.parametrize("options, most", [("-O2", 1e-6), ("-O2 -march=x86-64-v3", 0), ("-O3 -march=x86-64-v3", 0)])
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("name", MODELS)
def test_plain_c_gives_the_engines_numbers(exports, tmp_path, name, compiler, options, most):
    """With a fused multiply-add in hardware to the last bit, at any optimisation; without one nearly."""
    if shutil.which(compiler) is None:
        pytest.skip(f"skipped: no {compiler}")
    if "v3" in options and not has_fma():
        pytest.skip("skipped: this processor is no x86-64-v3")
    program = tmp_path / name
    subprocess.run([compiler, *FLAGS, *options.split(), "-I", exports, "-o", program, exports / f"{name}.c",
                    exports / f"{name}_test.c", "-lm"], check=True)
    done = subprocess.run([program], capture_output=True, text=True)
    print(done.stdout)
    assert done.returncode == 0, done.stdout
    worst = float(re.search("worst error ([0-9.e+-]+) of", done.stdout).group(1))
    assert worst <= (FEW_STEPS if "int8" in name and most > 0 else most)


@pytest.mark.parametrize("name", MODELS)
def test_plain_c_takes_only_two_functions(exports, tmp_path, name):
    """From libm fmaf and sqrtf; nothing from the heap, nothing else from outside."""
    compiler = shutil.which("gcc") or shutil.which("clang")
    subprocess.run([compiler, *FLAGS, "-O0", "-fno-builtin", "-c", "-o", tmp_path / "model.o",
                    exports / f"{name}.c"], check=True)
    symbols = subprocess.run(["nm", "-u", tmp_path / "model.o"], capture_output=True, text=True, check=True).stdout
    assert set(symbols.split()) - {"U"} <= {"fmaf", "sqrtf", "memset", "memcpy", "_GLOBAL_OFFSET_TABLE_"}
    source = (exports / f"{name}.c").read_text()
    assert "malloc" not in source and "while (1)" not in source


def bounds_of(exports, name):
    return json.loads((exports / f"{name}_bounds.json").read_text())


@pytest.mark.parametrize("name", MODELS)
def test_bounds_of_operations(exports, tmp_path, name):
    """What gcov sees executed: each line's count times the multiply-adds and divisions that stand on it."""
    bounds = bounds_of(exports, name)
    for part in [f"{name}.c", f"{name}.h"]:
        shutil.copy(exports / part, tmp_path)
    # One call, on zeros.
    header = (exports / f"{name}.h").read_text()
    sizes = re.findall(rf"#define {name}_((?:in|out)_\w+)_size (\d+)", header)
    arrays = "".join(f"static float {n}[{size}];\n" for n, size in sizes)
    (tmp_path / "main.c").write_text(
        f'#include "{name}.h"\n#include <stdio.h>\nstatic {name}_memory memory;\n{arrays}int main(void)\n{{\n'
        f'    printf("%zu", sizeof memory);\n    {name}_run(&memory, {", ".join(n for n, _ in sizes)});\n    return 0;\n}}\n')
    subprocess.run(["gcc", "-std=c99", "-O0", "--coverage", "-o", "once", f"{name}.c", "main.c", "-lm"], check=True, cwd=tmp_path)
    size = subprocess.run([tmp_path / "once"], check=True, cwd=tmp_path, capture_output=True, text=True).stdout
    assert int(size) == bounds["memory_bytes"]
    subprocess.run(["gcov", "-o", ".", f"once-{name}"], check=True, cwd=tmp_path, capture_output=True)
    executed = {"multiply_add": 0, "divide": 0, "square_root": 0}
    for line in (tmp_path / f"{name}.c.gcov").read_text().splitlines():
        count, _, text = (line.split(":", 2) + ["", ""])[:3]
        count = count.strip().rstrip("*")
        if count.isdigit():
            executed["multiply_add"] += int(count) * (text.count("FMA(") + text.count("+= (int32_t)"))
            executed["divide"] += int(count) * len(re.findall(r" / (?!16|2\b|4\b)", text))
            executed["square_root"] += int(count) * text.count("sqrtf(")
    for what, seen in executed.items():
        assert 0.25 * bounds["operations"][what] <= seen <= bounds["operations"][what], (what, seen, bounds["operations"])
    calls = {what: sum(c[what] for c in bounds["calls"]) for what in executed}
    assert calls == {what: bounds["operations"][what] for what in executed}


@pytest.mark.parametrize("compiler, options", [("gcc", "-O0"), ("gcc", "-O2"), ("gcc", "-O3"), ("clang", "-O0"), ("clang", "-O3"),
                                               ("clang", "-O3 -march=x86-64-v3")])
@pytest.mark.parametrize("name", MODELS)
def test_bounds_of_stack_and_weights(exports, tmp_path, name, compiler, options):
    if shutil.which(compiler) is None or ("v3" in options and platform.machine() != "x86_64"):
        pytest.skip(f"skipped: no {compiler} {options}")
    bounds = bounds_of(exports, name)
    subprocess.run([compiler, "-std=c99", *options.split(), "-fstack-usage", "-c", "-o", tmp_path / "m.o", exports / f"{name}.c"],
                   check=True, cwd=tmp_path)
    (usage,) = tmp_path.glob("*.su")
    frames = sorted((int(line.split("\t")[1]) for line in usage.read_text().splitlines()), reverse=True)
    assert sum(frames[:bounds["call_depth"]]) <= bounds["stack_bytes"]
    symbols = subprocess.run(["nm", "-S", tmp_path / "m.o"], capture_output=True, text=True, check=True).stdout
    weights = re.findall(r"^\S+ (\S+) \S ((?:weight|panels|bytes)_\d+)$", symbols, re.M)
    stated = re.findall(r"static const (\w+) ((?:weight|panels|bytes)_\d+)\[(\d+)\]", (exports / f"{name}.c").read_text())
    assert sum(int(n) * (4 if t == "float" else 1) for t, _, n in stated) == bounds["weights_bytes"]
    assert sum(int(size, 16) for size, _ in weights) <= bounds["weights_bytes"]
