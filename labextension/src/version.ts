/** Version of this front end: that of the Python package with which it is built. A test compares the three places. */
export const VERSION = '0.1.0';
