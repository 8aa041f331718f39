DROP TABLE search_words;
DROP TABLE search_rows;
DROP TABLE search_marks;
