// Options that the commands on recordings share.
#include "log_open.h"

rml_status log_filter_options(rml_cli *cli, rml_log_options *options, rml_error *err)
{
    size_t count = 0;
    options->threads = rml_pool_threads(cli->pool);
    RML_TRY(rml_cli_i64(cli, "--start", 0, INT64_MAX, &options->start_ns, err));
    RML_TRY(rml_cli_i64(cli, "--end", 0, INT64_MAX, &options->end_ns, err));
    while (rml_cli_value_at(cli, "--topic", count) != NULL) {
        count++;
    }
    rml_str *topics = RML_NEW_ARRAY(&cli->arena, rml_str, count + 1);
    if (topics == NULL) {
        return rml_fail_memory(err, count * sizeof *topics);
    }
    for (size_t i = 0; i < count; i++) {
        topics[i] = rml_str_of(rml_cli_value_at(cli, "--topic", i));
    }
    options->topics = count > 0 ? topics : NULL;
    options->topic_count = count;
    return RML_OK;
}

rml_status log_arguments(rml_cli *cli, size_t first, rml_str **out, rml_error *err)
{
    *out = RML_NEW_ARRAY(&cli->arena, rml_str, cli->argument_count + 1);
    if (*out == NULL) {
        return rml_fail_memory(err, cli->argument_count * sizeof **out);
    }
    for (size_t i = first; i < cli->argument_count; i++) {
        (*out)[i - first] = rml_str_of(cli->arguments[i]);
    }
    return RML_OK;
}
