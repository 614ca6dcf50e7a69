/* A network that looks into the protocol: the layers test must name it. */
void bft_check_failed(const char *file, int line, const char *fact);
void wrong_net_judges(void);

void wrong_net_judges(void)
{
	bft_check_failed("", 0, "");
}
