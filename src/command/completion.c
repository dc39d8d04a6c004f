// `completion SHELL`: a script for bash, zsh or fish, made from the table of commands, so it offers
// what there is and nothing else.
#include <stdio.h>
#include <string.h>

#include "call.h"

typedef struct script {
    rml_buffer *out;
    rml_error *err;
    rml_status status;
} script;

static void put(script *s, const char *format, ...) RML_PRINTF(2, 3);

static void put(script *s, const char *format, ...)
{
    char text[4096];
    va_list list;
    va_start(list, format);
    int len = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (s->status == RML_OK && len > 0 && (size_t)len < sizeof text) {
        s->status = rml_buffer_append(s->out, text, (size_t)len, s->err);
    }
}

// Text with a backslash (or a quote that ends, escapes and begins again) where the shell asks.
static void put_escaped(script *s, const char *text, const char *escaped)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            put(s, "'\\''");
        } else {
            put(s, "%s%c", strchr(escaped, *text) != NULL ? "\\" : "", *text);
        }
    }
}

// "a|b" with something else between.
static void put_parted(script *s, const char *text, char between)
{
    for (; *text != '\0'; text++) {
        put(s, "%c", *text == '|' ? between : *text);
    }
}

// The index-th option of a command, its own before those of every command; NULL behind the last.
static const rml_option *option_at(const rml_command *c, size_t index)
{
    for (const rml_option *o = c->options; o != NULL && o->name != NULL; o++) {
        if (index-- == 0) {
            return o;
        }
    }
    for (const rml_option *o = rml_command_common; o->name != NULL; o++) {
        if (index-- == 0) {
            return o;
        }
    }
    return NULL;
}

// The kind of the things that an argument of the command names, or NULL.
static const char *argument_kind(const rml_command *c)
{
    for (const rml_option *a = c->arguments; a != NULL && a->name != NULL; a++) {
        if (a->kind != NULL) {
            return a->kind;
        }
    }
    return NULL;
}

// The first word of a command's name.
static rml_str word_of(const rml_command *c)
{
    rml_str first;
    (void)rml_str_cut(rml_str_of(c->name), ' ', &first);
    return first;
}

// True for the first command of those that begin with this word.
static bool begins_group(size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (rml_str_equal(word_of(rml_command_at(i)), word_of(rml_command_at(index)))) {
            return false;
        }
    }
    return true;
}

// ---- bash --------------------------------------------------------------------------------------

static void bash_second_words(script *s, rml_str word)
{
    const char *between = "";
    for (size_t i = 0; rml_command_at(i) != NULL; i++) {
        rml_str first, second = rml_str_cut(rml_str_of(rml_command_at(i)->name), ' ', &first);
        if (second.len > 0 && rml_str_equal(first, word)) {
            put(s, "%s%.*s", between, RML_FMT(second));
            between = " ";
        }
    }
}

// --split=family,recording --dataset=@dataset: the choices of options, and the kinds of names.
static void bash_values(script *s, const rml_command *c)
{
    put(s, "' given='");
    for (size_t k = 0; option_at(c, k) != NULL; k++) {
        const rml_option *o = option_at(c, k);
        if (o->kind != NULL) {
            put(s, "--%s=@", o->name);
            put_parted(s, o->kind, ',');
            put(s, " ");
        }
        if (o->choices != NULL) {
            put(s, "--%s=", o->name);
            put_parted(s, o->choices, ',');
            put(s, " ");
        }
    }
    put(s, "' names='");
    put_parted(s, argument_kind(c) != NULL ? argument_kind(c) : "", ' ');
    put(s, "' ;;\n");
}

static void bash_commands(script *s, bool two_words)
{
    for (size_t i = 0; rml_command_at(i) != NULL; i++) {
        const rml_command *c = rml_command_at(i);
        if ((strchr(c->name, ' ') != NULL) != two_words) {
            continue;
        }
        put(s, two_words ? "    '%s') options='" : "    '%s '*) options='", c->name);
        for (size_t k = 0; option_at(c, k) != NULL; k++) {
            put(s, "%s--%s", k > 0 ? " " : "", option_at(c, k)->name);
        }
        put(s, "' values='");
        for (size_t k = 0; option_at(c, k) != NULL; k++) {
            const rml_option *o = option_at(c, k);
            if (o->type != RML_OPTION_FLAG && o->type != RML_OPTION_PATH) {
                put(s, " --%s ", o->name);
            }
        }
        bash_values(s, c);
    }
}

static void bash(script *s)
{
    put(s, "# source <(roadmill completion bash), or put it into "
           "/usr/share/bash-completion/completions/roadmill\n"
           "_roadmill()\n{\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    local one= two= options= values= words= given= names= pair=\n"
           "    [ \"$COMP_CWORD\" -lt 2 ] || one=${COMP_WORDS[1]}\n"
           "    [ \"$COMP_CWORD\" -lt 3 ] || two=${COMP_WORDS[2]}\n"
           "    case \"$one\" in\n"
           "    '') words='");
    for (size_t i = 0; rml_command_at(i) != NULL; i++) {
        if (begins_group(i)) {
            put(s, "%.*s ", RML_FMT(word_of(rml_command_at(i))));
        }
    }
    put(s, "help --help --version' ;;\n");
    for (size_t i = 0; rml_command_at(i) != NULL; i++) {
        if (begins_group(i)) {
            put(s, "    '%.*s') [ -n \"$two\" ] || words='", RML_FMT(word_of(rml_command_at(i))));
            bash_second_words(s, word_of(rml_command_at(i)));
            put(s, "' ;;\n");
        }
    }
    put(s, "    esac\n    case \"$one $two\" in\n");
    bash_commands(s, true);
    bash_commands(s, false);
    put(s, "    esac\n"
           "    for pair in $given; do\n"
           "        case \"$pair\" in\n"
           "        \"$prev=@\"*) pair=${pair#*=@} words=$(roadmill names ${pair//,/ } "
           "2>/dev/null) ;;\n"
           "        \"$prev=\"*) pair=${pair#*=} words=${pair//,/ } ;;\n"
           "        *) continue ;;\n"
           "        esac\n"
           "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
           "        return\n"
           "    done\n"
           "    case \"$values\" in *\" $prev \"*) COMPREPLY=(); return ;; esac\n"
           "    if [ -z \"$words\" ] && [ -n \"$names\" ]; then\n"
           "        words=$(roadmill names $names 2>/dev/null)\n"
           "    fi\n"
           "    case \"$cur\" in -*) words=\"$words $options\" ;; esac\n"
           "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
           "}\n"
           "complete -o default -F _roadmill roadmill\n");
}

// ---- zsh ---------------------------------------------------------------------------------------

// What zsh offers for a value: files, choices, names from the home, or nothing.
static void zsh_value(script *s, const rml_option *o)
{
    put(s, ":");
    put_escaped(s, o->value != NULL ? o->value : o->name, "[]:\\");
    put(s, ":");
    if (o->kind != NULL) {
        put(s, "{compadd -- $(roadmill names ");
        put_parted(s, o->kind, ' ');
        put(s, " 2>/dev/null)}");
    } else if (o->choices != NULL) {
        put(s, "(");
        put_parted(s, o->choices, ' ');
        put(s, ")");
    } else if (o->type == RML_OPTION_PATH) {
        put(s, "_files");
    }
}

static void zsh_command(script *s, const rml_command *c)
{
    bool two_words = strchr(c->name, ' ') != NULL;
    put(s, two_words ? "    '%s') shift=2" : "    '%s '*) shift=1", c->name);
    put(s, "; arguments=(");
    for (size_t k = 0; option_at(c, k) != NULL; k++) {
        const rml_option *o = option_at(c, k);
        char help[RML_OPTION_TEXT_SIZE];
        rml_option_help(o, help);
        put(s, "\n        '*--%s[", o->name);
        put_escaped(s, help, "[]:\\");
        put(s, "]");
        if (o->type != RML_OPTION_FLAG) {
            zsh_value(s, o);
        }
        put(s, "'");
    }
    const rml_option *a = c->arguments;
    put(s, "\n        '*");
    zsh_value(s, a != NULL && a->kind != NULL
                     ? a
                     : &(const rml_option){.name = "file", .type = RML_OPTION_PATH});
    put(s, "') ;;\n");
}

static void zsh_names(script *s, rml_str word)
{
    for (size_t i = 0; rml_command_at(i) != NULL; i++) {
        const rml_command *c = rml_command_at(i);
        rml_str first, second = rml_str_cut(rml_str_of(c->name), ' ', &first);
        if (word.len == 0 ? !begins_group(i) : !rml_str_equal(first, word) || second.len == 0) {
            continue;
        }
        put(s, " '%.*s:", RML_FMT(word.len == 0 ? first : second));
        put_escaped(s, c->summary, ":\\");
        put(s, "'");
    }
}

static void zsh(script *s)
{
    put(s, "#compdef roadmill\n"
           "# roadmill completion zsh > a folder of $fpath/_roadmill\n"
           "_roadmill()\n{\n"
           "    local -a names arguments\n    local shift=0\n"
           "    if (( CURRENT == 2 )); then\n        names=(");
    zsh_names(s, (rml_str){0});
    put(s, ")\n        _describe command names\n        return\n    fi\n"
           "    if (( CURRENT == 3 )); then\n        case \"$words[2]\" in\n");
    for (size_t i = 0; rml_command_at(i) != NULL; i++) {
        if (begins_group(i)) {
            put(s, "        '%.*s') names=(", RML_FMT(word_of(rml_command_at(i))));
            zsh_names(s, word_of(rml_command_at(i)));
            put(s, ") ;;\n");
        }
    }
    put(s, "        esac\n        (( $#names )) && _describe command names\n    fi\n"
           "    case \"$words[2] $words[3]\" in\n");
    for (int two_words = 1; two_words >= 0; two_words--) {
        for (size_t i = 0; rml_command_at(i) != NULL; i++) {
            if ((strchr(rml_command_at(i)->name, ' ') != NULL) == (two_words == 1)) {
                zsh_command(s, rml_command_at(i));
            }
        }
    }
    put(s, "    esac\n"
           "    (( shift )) || return\n"
           "    words=(roadmill \"${(@)words[shift+2,-1]}\")\n"
           "    (( CURRENT -= shift ))\n"
           "    (( CURRENT > 1 )) && _arguments $arguments\n"
           "}\n"
           "_roadmill \"$@\"\n");
}

// ---- fish --------------------------------------------------------------------------------------

static void fish_options(script *s, const rml_command *c)
{
    for (size_t k = 0; option_at(c, k) != NULL; k++) {
        const rml_option *o = option_at(c, k);
        char help[RML_OPTION_TEXT_SIZE];
        rml_option_help(o, help);
        put(s, "complete -c roadmill -n '__roadmill_at %s' -l %s%s", c->name, o->name,
            o->type == RML_OPTION_FLAG   ? ""
            : o->type == RML_OPTION_PATH ? " -r -F"
                                         : " -x");
        if (o->kind != NULL) {
            put(s, " -a '(roadmill names ");
            put_parted(s, o->kind, ' ');
            put(s, " 2>/dev/null)'");
        }
        if (o->choices != NULL) {
            put(s, " -a '");
            put_parted(s, o->choices, ' ');
            put(s, "'");
        }
        put(s, " -d '");
        put_escaped(s, help, "\\");
        put(s, "'\n");
    }
    if (argument_kind(c) != NULL) {
        put(s, "complete -c roadmill -f -n '__roadmill_at %s' -a '(roadmill names ", c->name);
        put_parted(s, argument_kind(c), ' ');
        put(s, " 2>/dev/null)'\n");
    }
}

static void fish(script *s)
{
    put(s, "# roadmill completion fish > ~/.config/fish/completions/roadmill.fish\n"
           "function __roadmill_at\n"
           "    set -l words (commandline -opc)\n"
           "    set -l last (math (count $argv) + 1)\n"
           "    test (count $words) -ge $last\n"
           "    and test \"$words[2..$last]\" = \"$argv\"\n"
           "end\n"
           "function __roadmill_words\n"
           "    test (count (commandline -opc)) -eq $argv[1]\n"
           "end\n");
    for (size_t i = 0; rml_command_at(i) != NULL; i++) {
        const rml_command *c = rml_command_at(i);
        rml_str first, second = rml_str_cut(rml_str_of(c->name), ' ', &first);
        if (begins_group(i)) {
            put(s, "complete -c roadmill -f -n '__roadmill_words 1' -a '%.*s' -d '",
                RML_FMT(first));
            put_escaped(s, c->summary, "\\");
            put(s, "'\n");
        }
        if (second.len > 0) {
            put(s,
                "complete -c roadmill -n '__roadmill_words 2; and __roadmill_at %.*s' -a '%.*s' "
                "-d '",
                RML_FMT(first), RML_FMT(second));
            put_escaped(s, c->summary, "\\");
            put(s, "'\n");
        }
        fish_options(s, c);
    }
}

// ---- The command -------------------------------------------------------------------------------

// By the index of the choice.
static void (*const shells[])(script *s) = {bash, zsh, fish};

static rml_status run_completion(rml_call *call, rml_error *err)
{
    rml_buffer text = {0};
    script s = {&text, err, RML_OK};
    shells[rml_call_choice(call, "SHELL")](&s);
    rml_json_object(&call->writer);
    rml_json_kv_str(&call->writer, "shell", rml_call_text(call, "SHELL"));
    rml_json_kv_str(&call->writer, "script", rml_buffer_text(&text));
    rml_json_object_end(&call->writer);
    rml_buffer_reset(&text);
    return s.status;
}

static const rml_option arguments[] = {
    {"SHELL", .type = RML_OPTION_CHOICE, .choices = "bash|zsh|fish", .required = true},
    {0},
};
static const rml_view view[] = {{.text = "script"}, {0}};

const rml_command rml_completion_commands[] = {
    {
        .name = "completion",
        .summary = "print the script that completes commands in bash, zsh or fish",
        .example = "roadmill completion bash > ~/.local/share/bash-completion/completions/roadmill",
        .arguments = arguments,
        .view = view,
        .run = run_completion,
    },
    {0},
};
