// How long work tells how far it is, and hears whether it shall stop.
#include "roadmill/base.h"

void rml_progress_report(const rml_progress *p, const char *what, double done, double total,
                         const char *unit)
{
    if (p && p->report) {
        p->report(p->context, what, done, total, unit);
    }
}

bool rml_progress_stop(const rml_progress *p)
{
    return p && p->stop && p->stop(p->context);
}
