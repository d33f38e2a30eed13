/**
 * A table that becomes a list of cards on a phone: the same rows, laid out anew. Cells whose meaning the head tells carry
 * their own word there (`phoneWord`).
 */
export const rowsTable = 'w-full text-left max-md:block';
export const rowsHead = 'max-md:hidden';
export const rowsHeadCell =
  'border-b border-line-strong px-2 py-2 text-[0.8rem] font-semibold whitespace-nowrap text-soft first:pl-4 last:pr-4';
export const rowsBody = 'max-md:block max-md:divide-y max-md:divide-line';
/** `relative`: the menu of a card sits in its corner. */
export const rowsRow =
  'relative max-md:flex max-md:flex-wrap max-md:gap-x-4 max-md:gap-y-1 max-md:px-4 max-md:py-3 md:hover:bg-sunken';
export const rowsCell =
  'max-md:block md:border-b md:border-line md:px-2 md:py-2.5 md:first:pl-4 md:last:pr-4 align-top md:[tr:last-child>&]:border-b-0';
/** The first cell, what the row is about: a line of its own on a card. */
export const rowsMainCell = `${rowsCell} max-md:w-full`;
export const rowsMenuCell = `${rowsCell} max-md:absolute max-md:top-2 max-md:right-2 md:w-0 md:py-1.5 text-right`;
export const phoneWord = 'text-faint md:hidden';
