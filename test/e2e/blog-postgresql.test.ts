/** The blog by HTTP, with a PostgreSQL server. */
import { describeBlog } from "../support/blog-suite.js";

describeBlog("PostgreSQL");
