// A room without code yet: gives its object library something to hold.
typedef int rml_empty_room;
