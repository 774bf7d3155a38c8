/** The blog by HTTP, with the database inside its process. */
import { describeBlog } from "../support/blog-suite.js";

describeBlog("PGlite");
