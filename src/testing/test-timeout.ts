/** How long a test may wait, unless it says otherwise. */

const DEFAULT_SECONDS = 5;

/**
 * The time limit of asynchronous tests in **milliseconds**: the environment variable `ASYNC_TEST_TIMEOUT`,
 * which is in seconds as in Tornado, or 5 s. Slow machines set it; anything but a positive number is ignored.
 * Tornado: `testing.get_async_test_timeout`.
 */
export function getAsyncTestTimeout(): number {
  const seconds = Number(process.env.ASYNC_TEST_TIMEOUT);
  return (seconds > 0 ? seconds : DEFAULT_SECONDS) * 1000;
}
