// Prints every message of a recording as a line of JSON, whatever its encoding: print_messages FILE
#include <stdio.h>

#include "roadmill/log.h"
#include "roadmill/message.h"

int main(int argc, char **argv)
{
    rml_error err = {0};
    rml_log *log = NULL;
    rml_log_message m;
    rml_message_plans plans = {0};
    const rml_message_plan *plan;
    rml_buffer text = {0};
    if (argc != 2) {
        fputs("print_messages FILE\n", stderr);
        return 2;
    }
    rml_status st = rml_log_open(rml_str_of(argv[1]), NULL, &log, &err);
    while (st == RML_OK && (st = rml_log_next(log, &m, &err)) == RML_OK) {
        const rml_log_channel *c = rml_log_channel_of(log, &m);
        const rml_message_kind kind = rml_log_channel_kind(c);
        rml_buffer_clear(&text);
        st = rml_message_plan_of(&plans, m.channel, &kind, c->topic, &plan, &err);
        st = st ? st : rml_message_text(plan, m.data, (rml_place){0}, &text, &err);
        if (st == RML_OK) {
            printf("%lld %.*s %.*s\n", (long long)m.log_ns, RML_FMT(c->topic),
                   RML_FMT(rml_buffer_text(&text)));
        }
    }
    if (st != RML_END) {
        char line[1024];
        rml_error_text(&err, line, sizeof line);
        fprintf(stderr, "%s\n", line);
    }
    rml_buffer_reset(&text);
    rml_message_plans_reset(&plans);
    rml_log_close(log);
    return st == RML_END ? 0 : 1;
}
