// Reads a table of a lake, at its present or an earlier version, and writes its rows as one Parquet
// file:
//
//     lake_read LAKE TABLE OUT.parquet [VERSION]
//
// Without arguments it says so: it needs a lake (lake_write makes one).
#include <stdio.h>
#include <stdlib.h>

#include "roadmill/roadmill.h"

static rml_status copy(rml_rows *rows, const char *path, rml_error *err)
{
    rml_parquet_writer *w = NULL;
    RML_TRY(rml_parquet_open(path, rml_rows_schema(rows), NULL, &w, err));
    const rml_batch *batch = NULL;
    rml_status st;
    while ((st = rml_rows_next(rows, &batch, err)) == RML_OK) {
        st = rml_parquet_write(w, batch, err);
        if (st != RML_OK) {
            break;
        }
    }
    rml_parquet_result result = {0};
    if (st == RML_END) {
        st = rml_parquet_commit(w, &result, err);
    }
    if (st == RML_OK) {
        printf("%llu rows\n", (unsigned long long)result.rows);
    }
    rml_parquet_close(w);
    return st;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        printf("lake_read LAKE TABLE OUT.parquet [VERSION]\n");
        return 0;
    }
    rml_error err = {0};
    rml_lake *lake = NULL;
    rml_rows *rows = NULL;
    rml_status st = rml_lake_open(rml_str_of(argv[1]), &lake, &err);
    if (st == RML_OK) {
        rml_lake_read read = {.table = argv[2]};
        read.version = argc > 4 ? strtoll(argv[4], NULL, 10) + 1 : 0;
        st = rml_lake_select(lake, &read, &rows, &err);
    }
    if (st == RML_OK) {
        st = copy(rows, argv[3], &err);
    }
    rml_rows_close(rows);
    rml_lake_close(lake);
    if (st != RML_OK) {
        char text[1200];
        rml_error_text(&err, text, sizeof text);
        fprintf(stderr, "lake_read: %s: %s\n", rml_status_name(st), text);
    }
    return st == RML_OK ? 0 : 1;
}
