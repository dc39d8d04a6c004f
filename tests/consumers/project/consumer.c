// A program of somebody else: reads a recording, asks DuckDB through a lake, says the error it
// gets.
#include <roadmill/roadmill.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    rml_error err = {0};
    rml_log *log = NULL;
    rml_lake *lake = NULL;
    rml_rows *rows = NULL;
    char text[1024] = "";
    rml_status st =
        argc == 3 ? rml_log_open(rml_str_of(argv[1]), NULL, &log, &err) : RML_ERR_ARGUMENT;
    if (st == RML_OK) {
        printf("%s\n", rml_log_format_name(log));
        st = rml_lake_open(rml_str_of(argv[2]), &lake, &err);
    }
    if (st == RML_OK) {
        st = rml_lake_sql(lake, RML_STR("SELECT 6 * 7 AS answer"), &rows, &err);
    }
    const rml_batch *batch = NULL;
    if (st == RML_OK && rml_rows_next(rows, &batch, &err) == RML_OK) {
        printf("%lld\n", (long long)rml_column_get_i64(&batch->columns[0], 0));
    }
    rml_error_text(&err, text, sizeof text);
    fprintf(stderr, "%s", text);
    rml_rows_close(rows);
    rml_lake_close(lake);
    rml_log_close(log);
    return st == RML_OK ? 0 : 1;
}
