// A program that wants recordings alone: it links the part `log` and gets no lake with it.
#include <roadmill/log.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    rml_error err = {0};
    rml_log *log = NULL;
    rml_log_message message;
    unsigned long long messages = 0;
    rml_status st =
        argc == 2 ? rml_log_open(rml_str_of(argv[1]), NULL, &log, &err) : RML_ERR_ARGUMENT;
    while (st == RML_OK && (st = rml_log_next(log, &message, &err)) == RML_OK) {
        messages++;
    }
    printf("%llu messages\n", messages);
    rml_log_close(log);
    return st == RML_END ? 0 : 1;
}
