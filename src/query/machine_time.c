// What holds for a while, and what comes after what: vectors of truths over the instants.
#include "machine.h"

#include <string.h>

int64_t rml_instant_end(const rml_machine *m, size_t i)
{
    int64_t t_ns = m->instants[i].t_ns, step_ns = m->w->step_ns;
    bool follows = i + 1 < m->n && m->instants[i + 1].t_ns - t_ns <= step_ns * 3 / 2;
    return follows ? m->instants[i + 1].t_ns : t_ns + step_ns;
}

// Raises out to `value` over each run of at least ns in which in[i] >= least.
static void raise_runs(const rml_machine *m, const int8_t *in, int least, int64_t ns, int8_t value,
                       int8_t *out)
{
    size_t i = 0;
    while (i < m->n) {
        size_t first = i;
        while (i < m->n && in[i] >= least &&
               (i == first || rml_instant_end(m, i - 1) == m->instants[i].t_ns)) {
            i++;
        }
        if (i > first && rml_instant_end(m, i - 1) - m->instants[first].t_ns >= ns) {
            memset(out + first, value, i - first);
        }
        i += i == first;
    }
}

// True in runs of what is true, unknown in longer runs that what is unknown may make.
void rml_machine_hold(rml_machine *m, int64_t ns)
{
    m->mask--;
    const int8_t *inside = rml_truth_at(m, 0);
    m->level++; // a free vector above
    int8_t *out = rml_truth_at(m, 0);
    memset(out, RML_FALSE, m->n);
    raise_runs(m, inside, RML_UNKNOWN, ns, RML_UNKNOWN, out);
    raise_runs(m, inside, RML_TRUE, ns, RML_TRUE, out);
    m->level--;
    memcpy(rml_truth_at(m, 0), out, m->n);
}

// Joins a clause to those before: it holds now, they held at most ns ago.
void rml_machine_then(rml_machine *m, int64_t ns)
{
    m->level--;
    int8_t *now = m->truths + m->level * m->room, *before = m->joined;
    if (m->clause++ == 0) {
        memcpy(before, now, m->n);
        for (size_t i = 0; i < m->n; i++) {
            m->since[i] = (uint32_t)i;
        }
        return;
    }
    // [left, i] is the window; both counts and the first true one in it move forward only. What was
    // joined is kept in the vector of the clause until it is no longer needed.
    size_t left = 0, trues = 0, unknowns = 0, first_true = 0;
    uint32_t *since = (uint32_t *)(void *)m->numbers; // free between clauses
    for (size_t i = 0; i < m->n; i++) {
        trues += before[i] == RML_TRUE;
        unknowns += before[i] == RML_UNKNOWN;
        while (m->instants[i].t_ns - m->instants[left].t_ns > ns) {
            trues -= before[left] == RML_TRUE;
            unknowns -= before[left] == RML_UNKNOWN;
            left++;
        }
        first_true = first_true < left ? left : first_true;
        while (trues > 0 && before[first_true] != RML_TRUE) {
            first_true++;
        }
        int8_t past = trues > 0 ? RML_TRUE : unknowns > 0 ? RML_UNKNOWN : RML_FALSE;
        now[i] = now[i] < past ? now[i] : past;
        since[i] = trues > 0 ? m->since[first_true] : (uint32_t)i;
    }
    memcpy(m->joined, now, m->n);
    memcpy(m->since, since, m->n * sizeof *since);
}
