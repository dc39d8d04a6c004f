// --approve ROLE=PERSON of the commands that judge by a policy.
#ifndef ROADMILL_COMMAND_APPROVALS_H
#define ROADMILL_COMMAND_APPROVALS_H

#include "call.h"
#include "roadmill/registry.h"

#define APPROVE_OPTION                                                                             \
    {                                                                                              \
        "approve", .type = RML_OPTION_PAIR, .value = "ROLE=PERSON",                                \
                   .help = "an approval that the policy asks for: safety=j.doe", .repeated = true  \
    }

// In the arena of the call.
rml_status rml_call_approvals(rml_call *call, const rml_approval **out, size_t *count,
                              rml_error *err) RML_CHECKED;

#endif
