// --approve ROLE=PERSON.
#include "approvals.h"

rml_status rml_call_approvals(rml_call *call, const rml_approval **out, size_t *count,
                              rml_error *err)
{
    *count = rml_call_count(call, "approve");
    rml_approval *list = RML_NEW_ARRAY(&call->arena, rml_approval, *count + 1);
    if (list == NULL) {
        return rml_fail_memory(err, *count * sizeof *list);
    }
    for (size_t i = 0; i < *count; i++) {
        rml_call_pair(call, "approve", i, &list[i].role, &list[i].person);
    }
    *out = list;
    return RML_OK;
}
