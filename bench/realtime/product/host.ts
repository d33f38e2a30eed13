/** A process that runs the product until its parent lets go: what mortal.ts kills. */
import { startProduct, type ProductOptions } from '../runtime.ts';

process.once('message', (message) => {
  startProduct(message as ProductOptions).then(
    (product) => {
      // At once, and whatever it is doing: nobody will look at it again.
      process.on('disconnect', () => {
        process.kill(product.pid(), 'SIGKILL');
        process.exit(0);
      });
      process.send?.({ workerdPid: product.pid() });
    },
    (cause: unknown) => {
      console.error(cause);
      process.exit(1);
    },
  );
});
