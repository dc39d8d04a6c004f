// Prints every message of recordings in the order of log time: read_log FILE…
#include <stdio.h>

#include "roadmill/roadmill.h"

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        rml_error err = {0};
        rml_log *log = NULL;
        rml_log_message m;
        rml_status st = rml_log_open(rml_str_of(argv[i]),
                                     &(rml_log_options){.order = RML_LOG_TIME_ORDER}, &log, &err);
        while (st == RML_OK && (st = rml_log_next(log, &m, &err)) == RML_OK) {
            const rml_log_channel *c = rml_log_channel_of(log, &m);
            printf("%lld %.*s %zu bytes\n", (long long)m.log_ns, RML_FMT(c->topic), m.data.len);
        }
        rml_log_close(log);
        if (st != RML_END) {
            fprintf(stderr, "%s: %s\n", err.place, err.what);
            return 1;
        }
    }
    return 0;
}
