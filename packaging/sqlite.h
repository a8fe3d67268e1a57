/* Read before SQLite's source where the program must be small: full text search and
   R-trees, which the driver asks for and no payment needs. */
#undef SQLITE_ENABLE_FTS3
#undef SQLITE_ENABLE_FTS3_PARENTHESIS
#undef SQLITE_ENABLE_RTREE
