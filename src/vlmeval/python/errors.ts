/** @file The error that stands for a Python exception of the original code, so that compatibility mode can tell which one it was. */

/** Where the original raises, compatibility mode raises this, carrying the name of Python's class. */
export class PythonError extends Error {
  /**
   * @param pythonType Python's class name, e.g. `"ZeroDivisionError"`
   * @param message what went wrong
   * @example
   * throw new PythonError("ValueError", "could not convert string to float: 'x'");
   */
  constructor(
    readonly pythonType: string,
    message: string,
  ) {
    super(`${pythonType}: ${message}`);
    this.name = "PythonError";
  }
}
