// The format of a home, and opening one of any.
#ifndef ROADMILL_HOME_OPEN_H
#define ROADMILL_HOME_OPEN_H

#include "roadmill/home.h"

// A value of the catalog; a home without it is of the format before.
#define RML_HOME_FORMAT_KEY "home.format"
#define RML_HOME_FORMAT "2"
#define RML_HOME_FORMAT_BEFORE "1"

// rml_home_open for a home of any format.
rml_status rml_home_open_any(rml_home *home, const char *path, bool make, rml_error *err)
    RML_CHECKED;
// In the home's arena.
rml_status rml_home_format(rml_home *home, rml_str *out, rml_error *err) RML_CHECKED;

#endif
