/** @file How large a board may be. */

/** More cells than this leave too few pixels per price character in the model's 256-pixel view. */
export const MAX_ROWS = 3;
export const MAX_COLUMNS = 5;
