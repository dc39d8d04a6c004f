// Help is made from the table of commands, so it cannot tell of one that does not exist.
#include <stdio.h>
#include <string.h>

#include "cli.h"

enum { LEFT = 30, OPTION = 26 };

// Bytes of UTF-8 that take no column of their own.
static int continuation_bytes(const char *text)
{
    int count = 0;
    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xC0) == 0x80;
    }
    return count;
}

static void say_options(rml_cli *cli, const rml_option *o)
{
    for (; o != NULL && o->name != NULL; o++) {
        char left[64], text[RML_OPTION_TEXT_SIZE];
        snprintf(left, sizeof left, "--%s %s", o->name, o->value != NULL ? o->value : "");
        rml_option_help(o, text);
        rml_cli_say(cli, "  %-*s %s\n", OPTION, left, text);
    }
}

static void say_command(rml_cli *cli, const rml_command *c)
{
    char usage[RML_USAGE_TEXT];
    rml_command_usage(c, usage);
    rml_cli_say(cli, "  %-*s %s\n", LEFT + continuation_bytes(usage), usage, c->summary);
}

static bool is_of(const rml_command *c, rml_str group)
{
    rml_str first, second = rml_str_cut(rml_str_of(c->name), ' ', &first);
    return second.len > 0 && rml_str_equal(first, group);
}

bool rml_cli_is_group(rml_str word)
{
    const rml_command *c;
    for (size_t i = 0; (c = rml_command_at(i)) != NULL; i++) {
        if (is_of(c, word)) {
            return true;
        }
    }
    return false;
}

static void say_group(rml_cli *cli, rml_str group)
{
    const rml_command *c;
    for (size_t i = 0; (c = rml_command_at(i)) != NULL; i++) {
        if (is_of(c, group) || rml_str_equal(rml_str_of(c->name), group)) {
            say_command(cli, c);
        }
    }
}

void rml_cli_help_command(rml_cli *cli, const rml_command *command)
{
    char usage[RML_USAGE_TEXT];
    rml_command_usage(command, usage);
    rml_cli_say(cli, "%s\n\n", command->summary);
    rml_cli_say(cli, "Usage:   roadmill %s [options]\n", usage);
    rml_cli_say(cli, "Example: %s\n", command->example);
    for (const rml_option *a = command->arguments; a != NULL && a->name != NULL; a++) {
        if (a->help != NULL) {
            char text[RML_OPTION_TEXT_SIZE];
            rml_option_help(a, text);
            rml_cli_say(cli, "%s  %-*s %s\n", a == command->arguments ? "\nArguments:\n" : "",
                        OPTION, a->name, text);
        }
    }
    if (command->options != NULL && command->options->name != NULL) {
        rml_cli_say(cli, "\nOptions:\n");
        say_options(cli, command->options);
    }
    rml_cli_say(cli, "\nFor every command:\n");
    say_options(cli, rml_command_common);
    if (rml_cli_is_group(rml_str_of(command->name))) {
        rml_cli_say(cli, "\nIts group:\n");
        say_group(cli, rml_str_of(command->name));
    }
}

static void say_all(rml_cli *cli)
{
    const rml_command *c;
    rml_cli_say(cli, "roadmill %s: the data flywheel of autonomous driving\n", RML_VERSION);
    rml_cli_say(cli, "\nrecord > ingest > find > version > train > evaluate > gate > deploy > mine "
                     "> again\n\n");
    for (size_t i = 0; (c = rml_command_at(i)) != NULL; i++) {
        say_command(cli, c);
    }
    rml_cli_say(
        cli,
        "\nroadmill COMMAND --help tells more. Exit codes: 0 done, 1 failed, 2 wrong usage,\n"
        "3 done with loss or a check that did not hold, 130 stopped (run it again to go on).\n");
}

bool rml_cli_help(rml_cli *cli, rml_str topic)
{
    const rml_command *one = rml_command_find(topic);
    if (one != NULL) {
        rml_cli_help_command(cli, one);
    } else if (topic.len == 0) {
        say_all(cli);
    } else if (rml_cli_is_group(topic)) {
        say_group(cli, topic);
        rml_cli_say(cli, "\nroadmill %.*s COMMAND --help tells more.\n", RML_FMT(topic));
    } else {
        return false;
    }
    return true;
}
