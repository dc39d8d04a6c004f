"""The table of bench/ngsim.sh from one evaluation document (docs/evaluation.md)."""
import json
import sys

trained, judged, path = sys.argv[1:]
with open(path) as f:
    document = json.load(f)


def metric(cut, name):
    for m in cut["metrics"]:
        if m["name"] == name and m["value"] is not None:
            low, high = m["low"], m["high"]
            return f"{m['value']:.3f}" + (f" [{low:.3f}, {high:.3f}]" if low is not None else "")
    return "-"


print(f"\ntrained on {trained}, judged on {judged}: metres at 3 s, 95 % intervals by family")
for name in "all", "moving":
    cut = next(s for s in document["models"][0]["slices"] if s["name"] == name)
    print(f"\n{name}: {cut['windows']} windows, {cut['units']} families")
    print(f"  {'':28}{'FDE, K = 1':>24}{'minFDE, K = 6':>24}")
    for model in document["models"]:
        cut = next(s for s in model["slices"] if s["name"] == name)
        six = metric(cut, "min_fde_6") if "blind" in model["name"] or model["kind"] == "model" else ""
        note = "  reads the future" if model["name"] == "recorded" else ""
        print(f"  {model['name']:28}{metric(cut, 'min_fde_1'):>24}{six:>24}{note}")
    for model in document["models"]:
        if model["kind"] != "model":
            continue
        for other in next(s for s in model["slices"] if s["name"] == name)["against"]:
            if (other["metric"], other["baseline"]) in (("min_fde_1", "cv_1"), ("min_fde_6", document["best_blind"])):
                print(f"  {model['name']} against {other['baseline']}, {other['metric']}: "
                      f"{100 * other['relative']:+.1f} % [{100 * other['low']:+.1f}, {100 * other['high']:+.1f}]")
print(f"\nbest blind baseline: {document['best_blind']}")
