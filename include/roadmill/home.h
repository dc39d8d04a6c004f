// home: the folders and handles of a home, found upwards from where a command runs, as git does.
#ifndef ROADMILL_HOME_H
#define ROADMILL_HOME_H

#include "roadmill/catalog.h"
#include "roadmill/lake.h"
#include "roadmill/lake/upkeep.h"

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
// path NULL: ROADMILL_HOME, else upwards from the working folder; make: init ./roadmill if none. A
// home of another format is RML_ERR_UNSUPPORTED.
RML_API rml_status rml_home_open(rml_home *home, const char *path, bool make, rml_error *err)
    RML_CHECKED;
RML_API void rml_home_close(rml_home *home);

// A table of a home that was brought over, told as it is done.
typedef rml_status (*rml_home_upgrade_fn)(void *context, rml_str table,
                                          const rml_lake_upgrade_result *made, rml_error *err);
// Brings a home of the format before (0e67bf3) to this one: the logs of its tables are told what
// they lack (rml_lake_upgrade), then the catalog, in one transaction, that this is so, and for each
// table under "state:TABLE:BEFORE" which state of today the one of then is. No row, version, run or
// model changes. Until that transaction the home is one of the format before, whatever was
// interrupted. *old false: it was of this format already. path as in rml_home_open.
RML_API rml_status rml_home_upgrade(const char *path, rml_home_upgrade_fn tell, void *context,
                                    bool *old, rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
