     0  replica 0 starts in view 0
     0  replica 1 starts in view 0
     0  replica 2 starts in view 0
     0  replica 3 starts in view 0
   250  ten sessions are open
  3250  the friends had 100 answers, the others 700
  3250  replica 0 hears its friends at once, and the others as late as it dares
  6285  replica 0 wants view 1
  6285  replica 1 wants view 1
  6285  replica 2 wants view 1
  6285  replica 3 wants view 1
  6285  the friends had 121 answers, the others 68
  6285  nobody waited for more than 340 ms where others knew of it
  6290  replica 1 leads in view 1
  6295  replica 0 is a backup in view 1
  6295  replica 2 is a backup in view 1
  6295  replica 3 is a backup in view 1
  9285  the friends had 101 answers, the others 798
  9285  replica 0 has executed 659; the others are compared with it
