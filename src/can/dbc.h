// Inside the room: a DBC file while it is read and after.
#ifndef RML_MESSAGE_DBC_H
#define RML_MESSAGE_DBC_H

#include "roadmill/can.h"

struct rml_dbc {
    rml_arena arena;
    rml_array messages; // rml_dbc_message
};

typedef enum rml_dbc_token_kind {
    RML_DBC_END,
    RML_DBC_WORD,   // names and numbers, as written
    RML_DBC_STRING, // without its quotes
    RML_DBC_SIGN,   // one character
} rml_dbc_token_kind;
typedef struct rml_dbc_token {
    rml_dbc_token_kind kind;
    rml_str text;
    uint32_t line, column;
} rml_dbc_token;
typedef struct rml_dbc_lexer {
    rml_str text;
    size_t at;
    uint32_t line;
    size_t line_at; // where it begins
    rml_str file;
    rml_error *err;
} rml_dbc_lexer;
// The next token; RML_DBC_END at the end. A string that does not end is RML_ERR_DATA.
rml_status rml_dbc_next(rml_dbc_lexer *l, rml_dbc_token *out) RML_CHECKED;

#endif
