// What writing and verifying the audit chain share.
#ifndef ROADMILL_CATALOG_AUDIT_H
#define ROADMILL_CATALOG_AUDIT_H

#include "database.h"

// What stands as `previous` in the first entry.
extern const char rml_audit_no_hash[RML_HASH_TEXT];

// The last entry as the catalog remembers it.
typedef struct rml_audit_head {
    int64_t sequence; // 0: no entry yet
    char hash[RML_HASH_TEXT];
} rml_audit_head;
rml_status rml_audit_head_get(rml_catalog *c, rml_audit_head *out, rml_error *err) RML_CHECKED;

// The hash of an entry. details goes in as the text that is stored, so that not even a space in it
// can change.
rml_status rml_audit_hash(const rml_audit_entry *e, char text[RML_HASH_TEXT], rml_error *err)
    RML_CHECKED;
bool rml_audit_is_text(const rml_audit_entry *e); // all fields are UTF-8
// The row of RML_SQL_AUDIT_LIST; borrows until the next step.
rml_audit_entry rml_audit_view(sqlite3_stmt *s);

#endif
