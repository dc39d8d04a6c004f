// The evaluation document's own words, for its writer and its reader.
#ifndef ROADMILL_EVIDENCE_FORMAT_H
#define ROADMILL_EVIDENCE_FORMAT_H

#define RML_EVIDENCE_FORMAT "roadmill-evaluation-1"

#endif
