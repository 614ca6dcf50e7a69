/* A replica that knows which protocol runs: the layers test must name it, by its symbol and by its text. */
extern const char bft_pbft[];
const char *wrong_table_knows(void);

const char *wrong_table_knows(void)
{
	return bft_pbft;
}
