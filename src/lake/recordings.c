// The tables that every source of data fills alike (docs/recordings.md).
#include "roadmill/lake/recordings.h"

static const rml_field recordings[] = {
    RML_COLUMN(rml_recording_row, recording_id, STR, RML_NULLABLE),
    RML_COLUMN(rml_recording_row, drive_id, STR, RML_NULLABLE),
    RML_COLUMN(rml_recording_row, uri, STR, RML_NULLABLE),
    RML_COLUMN(rml_recording_row, format, STR, RML_NULLABLE),
    RML_COLUMN(rml_recording_row, logger, STR, RML_NULLABLE),
    RML_COLUMN(rml_recording_row, start_ns, I64, RML_NULLABLE, RML_IF(rml_recording_row, has_span)),
    RML_COLUMN(rml_recording_row, end_ns, I64, RML_NULLABLE, RML_IF(rml_recording_row, has_span)),
    RML_COLUMN(rml_recording_row, bytes, U64, RML_NULLABLE),
    RML_COLUMN(rml_recording_row, bytes_lost, U64, RML_NULLABLE),
    RML_COLUMN(rml_recording_row, messages, U64, RML_NULLABLE),
    RML_COLUMN(rml_recording_row, rows, U64, RML_NULLABLE),
    RML_COLUMN(rml_recording_row, blobs, U64, RML_NULLABLE),
    RML_COLUMN(rml_recording_row, rejects, U64, RML_NULLABLE),
    RML_COLUMN(rml_recording_row, ledger, STR, RML_NULLABLE),
    RML_COLUMN(rml_recording_row, completeness, STR, RML_NULLABLE),
    RML_COLUMN(rml_recording_row, part, STR, RML_NULLABLE),
    RML_COLUMN(rml_recording_row, derived_from, STR, RML_NULLABLE),
    RML_COLUMN(rml_recording_row, licence, STR, RML_NULLABLE),
    RML_COLUMN(rml_recording_row, purpose, STR, RML_NULLABLE),
    RML_COLUMN(rml_recording_row, region, STR, RML_NULLABLE),
    RML_COLUMN(rml_recording_row, consent, STR, RML_NULLABLE),
    RML_COLUMN(rml_recording_row, retention, STR, RML_NULLABLE),
    RML_COLUMN(rml_recording_row, anonymised, STR, RML_NULLABLE),
};

static const rml_field drives[] = {
    RML_COLUMN(rml_drive_row, drive_id, STR, RML_NULLABLE),
    RML_COLUMN(rml_drive_row, recording_id, STR, RML_NULLABLE),
    RML_COLUMN(rml_drive_row, vehicle, STR, RML_NULLABLE),
    RML_COLUMN(rml_drive_row, vehicle_config, STR, RML_NULLABLE),
    RML_COLUMN(rml_drive_row, place_id, STR, RML_NULLABLE),
    RML_COLUMN(rml_drive_row, start_ns, I64, RML_NULLABLE, RML_IF(rml_drive_row, has_span)),
    RML_COLUMN(rml_drive_row, end_ns, I64, RML_NULLABLE, RML_IF(rml_drive_row, has_span)),
    RML_COLUMN(rml_drive_row, findings, STR, RML_NULLABLE),
};

static const rml_field rejects[] = {
    RML_COLUMN(rml_reject_row, recording_id, STR, RML_NULLABLE),
    RML_COLUMN(rml_reject_row, stage, STR, RML_NULLABLE),
    RML_COLUMN(rml_reject_row, channel, STR, RML_NULLABLE),
    RML_COLUMN(rml_reject_row, offset, U64, RML_NULLABLE),
    RML_COLUMN(rml_reject_row, length, U64, RML_NULLABLE),
    RML_COLUMN(rml_reject_row, reason, STR, RML_NULLABLE),
};

rml_schema rml_recordings_schema(void)
{
    return (rml_schema)RML_TABLE(recordings);
}

rml_schema rml_drives_schema(void)
{
    return (rml_schema)RML_TABLE(drives);
}

rml_schema rml_rejects_schema(void)
{
    return (rml_schema)RML_TABLE(rejects);
}
