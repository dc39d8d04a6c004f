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

rml_status rml_progress_check(const rml_progress *p, const char *doing, rml_error *err)
{
    return rml_progress_stop(p)
               ? rml_fail(err, RML_ERR_STOPPED, (rml_place){0},
                          "run the same command again to go on", "stopped while %s", doing)
               : RML_OK;
}
