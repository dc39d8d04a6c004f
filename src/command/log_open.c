// Options that the commands on recordings share.
#include "log_open.h"

rml_status rml_log_filter_options(rml_call *call, rml_log_options *options, rml_error *err)
{
    rml_str *topics;
    options->threads = rml_pool_threads(call->pool);
    options->start_ns = rml_call_i64(call, "start");
    options->end_ns = rml_call_i64(call, "end");
    RML_TRY(rml_call_list(call, "topic", &topics, &options->topic_count, err));
    options->topics = topics;
    return RML_OK;
}
