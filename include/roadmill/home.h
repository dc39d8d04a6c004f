// home: the folders and handles of a home, found upwards from where a command runs, as git does.
#ifndef ROADMILL_HOME_H
#define ROADMILL_HOME_H

#include "roadmill/catalog.h"
#include "roadmill/lake.h"

#ifdef __cplusplus
extern "C" {
#endif

// HOME: a local folder with settings and catalog, which are SQLite and locks; lake, versions, runs,
// sweeps and models lie in it too, unless roadmill.yaml says `store:` and another place for them, a
// path (from the home on, if it is not absolute) or a URI of any scheme that a store knows.
typedef struct rml_home {
    rml_str path;  // terminated
    rml_str store; // where lake, versions, runs and models lie; terminated
    rml_lake *lake;
    rml_catalog *catalog;
    rml_arena arena;
} rml_home;
// Makes a home; RML_OK if it is one already.
RML_API rml_status rml_home_init(const char *path, rml_error *err) RML_CHECKED;
// path NULL: ROADMILL_HOME, else upwards from the working folder; make: init ./roadmill if none.
RML_API rml_status rml_home_open(rml_home *home, const char *path, bool make, rml_error *err)
    RML_CHECKED;
RML_API void rml_home_close(rml_home *home);

#ifdef __cplusplus
}
#endif
#endif
