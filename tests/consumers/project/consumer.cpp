// The same from C++: the headers are C++ too.
#include <roadmill/roadmill.h>

#include <cstdio>

int main(int argc, char **argv)
{
    rml_error err{};
    rml_log *log = nullptr;
    rml_log_message message{};
    rml_status st = argc > 1 ? rml_log_open(rml_str_of(argv[1]), nullptr, &log, &err) : RML_ERR_ARGUMENT;
    if (st == RML_OK && rml_log_next(log, &message, &err) == RML_OK) {
        const rml_log_channel *channel = rml_log_channel_of(log, &message);
        std::printf("%.*s\n", RML_FMT(channel->topic));
    }
    rml_log_close(log);
    return st == RML_OK ? 0 : 1;
}
