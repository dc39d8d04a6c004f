"""Makes tests/eval/golden.h: python tests/eval/golden_make.py > tests/eval/golden.h (needs scipy)."""
import platform

import numpy as np
import scipy
from scipy import stats

rng = np.random.default_rng(20261121)


def row(values):
    return "{" + ", ".join("%.17g" % v for v in values) + "}"


print(f"// Made by tests/eval/golden_make.py with scipy {scipy.__version__}, numpy {np.__version__}, "
      f"Python {platform.python_version()}.\n// clang-format off")
print("// scipy.stats.t.interval(0.95, units - 1, mean, sem) over means of units of equal size.")
print("static const struct { size_t units, each; double values[72], low, high; } t_golden[] = {")
for units, each in ((3, 4), (4, 1), (5, 8), (7, 3), (9, 8)):
    values = rng.normal(3, 1, (units, 1)) + rng.normal(0, 2, (units, each))
    means = values.mean(axis=1)
    low, high = stats.t.interval(0.95, units - 1, means.mean(), stats.sem(means))
    print(f"    {{{units}, {each}, {row(values.ravel())}, {low:.17g}, {high:.17g}}},")
print("};")
print("// scipy.stats.permutation_test of the mean, permutation_type 'samples', exact, two-sided.")
print("static const struct { size_t units; double difference[12], p; } flip_golden[] = {")
for units, shift in ((3, 1.0), (5, 0.0), (8, 0.7), (10, 0.3), (12, -1.0)):
    d = rng.normal(shift, 1, units)
    p = stats.permutation_test((d,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
    print(f"    {{{units}, {row(d)}, {p:.17g}}},")
print("};")
print("// (t.ppf(0.975) + t.ppf(0.8)) times the jackknife standard error of sum(a - b) / sum(b).")
print("static const struct { size_t n; double a[40], b[40]; uint32_t unit[40]; double want; } "
      "change_golden[] = {")
for units in (4, 11):
    unit = np.sort(np.concatenate([np.arange(units), rng.integers(0, units, 40 - units)]))
    b = rng.gamma(4, 0.5, 40)
    a = b * 0.9 + rng.normal(0, 0.2, 40)
    num = np.array([(a - b)[unit == u].sum() for u in range(units)])
    den = np.array([b[unit == u].sum() for u in range(units)])
    left = (num.sum() - num) / (den.sum() - den)
    se = np.sqrt((units - 1) / units * ((left - left.mean()) ** 2).sum())
    want = (stats.t.ppf(0.975, units - 1) + stats.t.ppf(0.8, units - 1)) * se
    print(f"    {{40, {row(a)}, {row(b)}, {{{', '.join(map(str, unit))}}}, {want:.17g}}},")
print("};")
