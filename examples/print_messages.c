// Prints every message of a recording as a line of JSON, whatever its encoding: print_messages FILE
#include <stdio.h>

#include "roadmill/roadmill.h"

enum { CHANNELS_MAX = 1024 };

static rml_status print(rml_log *log, rml_message_plan **plans, rml_buffer *text, rml_error *err)
{
    rml_log_message m;
    rml_status st;
    while ((st = rml_log_next(log, &m, err)) == RML_OK && m.channel < CHANNELS_MAX) {
        const rml_log_channel *c = rml_log_channel_of(log, &m);
        const rml_message_kind kind = rml_log_channel_kind(c);
        if (plans[m.channel] == NULL) {
            RML_TRY(rml_message_compile(&kind, c->topic, &plans[m.channel], err));
        }
        rml_buffer_clear(text);
        RML_TRY(rml_message_text(plans[m.channel], m.data, (rml_place){0}, text, err));
        printf("%lld %.*s %.*s\n", (long long)m.log_ns, RML_FMT(c->topic),
               RML_FMT(rml_buffer_text(text)));
    }
    return st == RML_END ? RML_OK : st;
}

int main(int argc, char **argv)
{
    static rml_message_plan *plans[CHANNELS_MAX];
    char line[1024];
    rml_error err = {0};
    rml_log *log = NULL;
    rml_buffer text = {0};
    if (argc != 2) {
        fputs("print_messages FILE\n", stderr);
        return 2;
    }
    rml_status st = rml_log_open(rml_str_of(argv[1]), NULL, &log, &err);
    st = st ? st : print(log, plans, &text, &err);
    if (st != RML_OK) {
        rml_error_text(&err, line, sizeof line);
        fprintf(stderr, "%s\n", line);
    }
    for (size_t i = 0; i < CHANNELS_MAX; i++) {
        rml_message_plan_free(plans[i]);
    }
    rml_buffer_reset(&text);
    rml_log_close(log);
    return st == RML_OK ? 0 : 1;
}
