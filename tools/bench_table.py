"""Turns the JSON lines of benches into a table."""
import json
import sys

print(f"{'name':32} {'value':>12} {'unit':12} {'peer':28} {'its value':>12} {'ratio':>7}")
for line in sys.stdin:
    f = json.loads(line)
    print(f"{f['name']:32} {f['value']:12.4g} {f['unit']:12} {f['peer']:28} {f['peer_value']:12.4g} {f['ratio']:7.2f}", flush=True)
